// postMessage between two worker threads, through the MessageChannel that joins them.

export const links = {
  await: {
    answer(place, port) {
      return (count) =>
        new Promise((resolve) => {
          let answered = 0;
          port.on('message', (value) => {
            port.postMessage(value);
            answered += 1;
            if (answered === count) resolve();
          });
        });
    },
    call(place, port) {
      let take;
      port.on('message', (value) => take(value));
      return (value) => {
        port.postMessage(value);
        return new Promise((resolve) => {
          take = resolve;
        });
      };
    },
  },
};
