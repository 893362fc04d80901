// Rivals, one module each. A module exports what it can do:
//
// Disruptor  the class, and those of its streams, for scenarios that are about their methods
// links      ways of asking another process for an answer, each { answer, call }:
//              answer(place, port)  resolves to serve(count), which answers so many calls
//              call(place, port)    resolves to ask(value), which gives the value back as it was
//                                   answered, or a promise of it
//            `port` is there between threads: the end of a MessageChannel
// streams    a way of sending bytes to another process, { reader, writer }:
//              reader(place, size)  resolves to a function that gives a Readable or a promise of it
//              writer(place, size)  resolves to a Writable
// messages   a way of sending messages to other processes, { receiver, sender }:
//              receiver(part)  resolves to a function that receives its part of them, and says how
//                              many that were
//              sender(part)    resolves to send(message, count), which sends it so many times
//            `part` has place, index, size, crowd (how many of each there are) and messages (of all)
// news       a way of telling everybody, { subscriber, publisher }:
//              subscriber(part)  resolves to a function that receives until it is told that there is
//                                no more, and says how many messages that were
//              publisher(part)   resolves to { publish(message, count), end() }: publishes it so many
//                                times, and tells that there is no more
//            `part` has place, index, size and crowd (how many subscribers there are)
//
// `answer`, `reader` and `receiver` are there first: they create what `call` and `writer` connect to.

/** Loads a rival, and no other: none shares its process with another one's addon. */
export function loadRival(name) {
  return import(`./${name}.js`);
}
