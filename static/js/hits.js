// How an answer stands out on the map: what answers in its own colours over a bright edge, the rest of its layer grey.

const EDGE = { light: '#ffb300', dark: '#ffd54a' };
const GREY = { colour: '#9aa5b1', stroke: '#c9d1d9', dark: { colour: '#55616e', stroke: '#3c4753' } };

/** The rule of features that do not answer: grey, faint, without a name. */
export function dimmed(rule) {
  return { ...rule, ...GREY, colours: {}, opacity: rule.opacity * 0.45, label: null };
}

/** What the hits of a layer are called on the stack. */
export const hitsOf = (id) => `${id}!`;

/** The rule of features that answer, from the same tiles as their layer's but for the question. */
export function hitRule(rule) {
  return {
    ...rule, id: hitsOf(rule.id), collection: rule.collection || rule.id, content: rule.content || rule.id, hits: true,
    reference: false, opacity: Math.max(rule.opacity, 0.75), ranks: {}, edge: EDGE.light, dark: { ...rule.dark, edge: EDGE.dark },
  };
}

/** The rule of the bright edge around them. */
export function edgeRule(rule) {
  const { edge } = rule;
  return { ...rule, colour: edge, colours: {}, stroke: edge, opacity: 1, dash: [], width: rule.width + (rule.shape === 'point' ? 0 : 6), radius: rule.radius + 3.5 };
}

/** The same pass with round corners: an edge is wider than what it surrounds is often large. */
export function rounded(pass) {
  const draw = (context, ...asked) => {
    [context.lineJoin, context.lineCap] = ['round', 'round'];
    pass.symbolizer.draw(context, ...asked);
    [context.lineJoin, context.lineCap] = ['miter', 'butt'];
  };
  return { ...pass, symbolizer: { draw } };
}
