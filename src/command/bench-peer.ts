import { Ring } from '../index.js';

/**
 * The other side of `bench`, in a process of its own: it echoes or produces until it is killed, or
 * until nobody is there any more.
 */

/** What it is told. */
export interface PeerOrders {
  does: 'echo' | 'echo-async' | 'produce';
  /** The ring that it consumes; the one that it produces into. */
  from: string;
  to: string;
  /** How many elements it claims at a time. */
  batch: number;
}

const orders = JSON.parse(process.argv[2]!) as PeerOrders;
/** Blocking waits let the thread look now and then whether its parent has gone. */
const SLICE = { timeout: 1000 };

/** What a blocking call gives; undefined when its time was up. */
function within<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_TIMEOUT') return undefined;
    throw error;
  }
}

const parent = process.ppid;
const orphaned = () => process.ppid !== parent;
const producer = Ring.open(orders.to).producer();

function echo(): void {
  const consumer = Ring.open(orders.from).consumer('bench');
  process.send!('ready');
  while (!orphaned()) {
    const batch = within(() => consumer.nextSync(SLICE));
    if (!batch) continue;
    for (const message of batch) producer.publishSync(message);
    consumer.commit();
  }
}

async function echoAsync(): Promise<void> {
  const consumer = Ring.open(orders.from).consumer('bench');
  process.send!('ready');
  for await (const batch of consumer) {
    for (const message of batch) await producer.publish(message);
  }
}

function produce(): void {
  process.send!('ready');
  let value = 0;
  while (!orphaned()) {
    const claim = within(() => producer.claimSync(orders.batch, SLICE));
    if (!claim) continue;
    for (const buf of claim.bufs) buf.fill((value += 1));
    claim.commit();
  }
}

process.once('disconnect', () => process.exit());
if (orders.does === 'echo') echo();
else if (orders.does === 'produce') produce();
else await echoAsync();
