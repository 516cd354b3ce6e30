"""Files handed over: what is offered, ordered, made and delivered, to whom, and by which links."""
