// Follows the system by its events, and asks for it where there are none. Connects again, after a
// pause that grows, whenever the service goes away.

import { Refused, Silent, ask, events } from "/assets/client.js";

const POLL_MS = 1000;
const MIN_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8000;
// The service sends something every second.
const SILENCE_MS = 5000;
// How long there are no events where they were refused, or something on the way holds them back.
const WITHOUT_EVENTS_MS = 30_000;

// Calls `on.system` with each state, `on.end` with the report of a shutdown, and `on.lost` with the
// error, or nothing, when there is no news any more.
export async function follow(on) {
  let pause = MIN_PAUSE_MS;
  let eventsAt = 0;
  for (;;) {
    await visible();
    if (Date.now() >= eventsAt) {
      let heard = false;
      const hidden = new AbortController();
      const hide = () => document.hidden && hidden.abort();
      document.addEventListener("visibilitychange", hide);
      try {
        for await (const { name, data } of events("/v1/system/events", hidden.signal, SILENCE_MS)) {
          heard = true;
          pause = MIN_PAUSE_MS;
          if (name === "system") on.system(data);
          if (name === "end") on.end(data.report);
        }
        on.lost(null);
      } catch (error) {
        if (hidden.signal.aborted) continue;
        if (error instanceof Refused || (error instanceof Silent && !heard)) eventsAt = Date.now() + WITHOUT_EVENTS_MS;
        on.lost(error);
      } finally {
        document.removeEventListener("visibilitychange", hide);
      }
    }
    if (Date.now() < eventsAt) {
      try {
        on.system(await ask("/v1/system"));
        pause = POLL_MS / 2;
      } catch (error) {
        on.lost(error);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, MAX_PAUSE_MS);
  }
}

// Nobody looks at a page that is hidden, and a browser allows few connections to one host.
function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
