// What the explorer's process is asked over HTTP; throws its one sentence where it cannot be done.

export async function ask(verb, fields) {
  const answer = await fetch(`/explore/${verb}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.text || "the page's process does not answer");
  return body;
}
