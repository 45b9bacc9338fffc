// Waiting for conditions: a test that waits too long says what it waited for.

const PATIENCE = 10_000;

/** What `promise` resolves to, or an error that names what did not come. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, fail) => timer = setTimeout(() => fail(new Error(`no ${what} in ${ms} ms`)), ms));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks until the answer is true, and resolves to it. `what` may be a function that looks when it is too late. */
export async function until(what, ask, ms = PATIENCE) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not in ${ms} ms: ${typeof what === 'string' ? what : await what()}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
