// Writing to the server from a script: the token of the session, the version that was seen.

async function token(root) {
  const response = await fetch(`${root}/session`, { headers: { Accept: 'application/json' } });
  return response.ok ? (await response.json()).csrf_token : '';
}

/** The answer to a write; `version` is what the reader saw, `body` becomes JSON. */
export async function send(root, method, path, { version, body } = {}) {
  const headers = { Accept: 'application/json', 'X-CSRFToken': await token(root) };
  if (version) headers['If-Match'] = `"${version}"`;
  if (body) headers['Content-Type'] = 'application/json';
  return fetch(root + path, { method, headers, body: body && JSON.stringify(body) });
}

/** What a refusal says, in the reader's language. */
export async function refusal(response, fallback) {
  const problem = await response.json().catch(() => ({}));
  return problem[document.documentElement.lang.startsWith('zh') ? 'zh' : 'en'] || problem.detail || fallback;
}
