// Headgate, MIT licence. Browsers open six connections to a server that speaks
// HTTP/1.1, for all tabs together, and an event stream keeps one. Tabs of one browser
// therefore take turns when there are many, so that requests still get through.
// Part of the modules that may be copied; imports nothing.
// @ts-check

/** How many streams may be open at once. */
const PLACES = 4;
/** How long a turn lasts at least, in milliseconds, when others wait. */
const TURN = 1500;

/**
 * Runs f while it is this tab's turn.
 * @template T
 * @param {string} origin of the server
 * @param {AbortSignal} signal gives up waiting
 * @param {(over: AbortSignal) => Promise<T>} f must end soon after `over`
 * @returns {Promise<T | undefined>} undefined when given up
 */
export async function turn(origin, signal, f) {
  const never = new AbortController().signal;
  if (!navigator.locks || manyAtOnce(origin)) return f(never);
  const names = Array.from({ length: PLACES }, (_, i) => `headgate-stream ${i} ${origin}`);
  for (const name of names) {
    const got = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => (lock ? { value: await f(yielding(name)) } : null));
    if (got) return got.value;
  }
  try {
    const name = names[Math.floor(Math.random() * PLACES)];
    return await navigator.locks.request(name, { signal }, () => f(yielding(name)));
  } catch (refusal) {
    if (signal.aborted) return undefined;
    throw refusal;
  }
}

/** Whether the server speaks a version of HTTP with many requests on one connection. @param {string} origin */
function manyAtOnce(origin) {
  const newest = performance.getEntriesByType("resource").findLast((entry) => entry.name.startsWith(`${origin}/`));
  return newest instanceof PerformanceResourceTiming && /^h[23]/.test(newest.nextHopProtocol);
}

/** Ends a turn once it was long enough and somebody waits. @param {string} name */
function yielding(name) {
  const over = new AbortController();
  const timer = setInterval(async () => {
    const { pending = [], held = [] } = await navigator.locks.query();
    if (!held.some((lock) => lock.name === name)) clearInterval(timer); // f has ended
    else if (pending.some((lock) => lock.name === name)) {
      clearInterval(timer);
      over.abort();
    }
  }, TURN);
  return over.signal;
}
