import type { ClusterApi, LiveFeed } from '#cluster/api.ts';

/** The same node, seen through a feed that is watched itself. */
export function withFeed(api: ClusterApi, feed: Partial<LiveFeed>): ClusterApi {
  const live: LiveFeed = {
    watchWorkflow: (id, listener) => api.live.watchWorkflow(id, listener),
    watchRows: (listener, missed) => api.live.watchRows(listener, missed),
    ...feed,
  };
  return new Proxy(api, {
    get: (target, name) => {
      if (name === 'live') return live;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
