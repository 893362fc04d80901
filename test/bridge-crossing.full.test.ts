// Numbers cross to another ring over a real engine while bridges are killed and the server is
// restarted. `npm run test:bridge` is the same with a million of them.

import { crossing } from './bridge/crossing.js';
import { uniqueName } from './fixture.js';
import { withEngine } from './bridge/with-engine.js';

const FIVE_MINUTES = 300_000;

for (const engine of ['nats', 'redis'] as const) {
  withEngine(engine)(`${engine}: none is lost, and order is kept, whatever dies`, async (t) => {
    t.timeout(FIVE_MINUTES);
    const { lost, disordered, repeated, counted } = await crossing(engine, uniqueName(), {
      messages: 6000,
      kills: 4,
      restarts: 2,
    });
    t.deepEqual({ lost, disordered, repeated }, { lost: 0, disordered: 0, repeated: 0 });
    t.true(counted.reconnects > 0);
  });
}
