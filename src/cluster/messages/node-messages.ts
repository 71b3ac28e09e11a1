import type { Reply } from '#actors/message.ts';

import type { Background } from '../background.ts';
import type { EventReads } from '../event-reads.ts';
import type { NodeLiveFeed } from '../live/feed.ts';
import type { LivePublisher } from '../live/publisher.ts';
import type { Membership } from '../members/membership.ts';
import type { Ownership } from '../members/ownership.ts';
import type { Orders } from '../orders.ts';
import type { Reads } from '../reads.ts';
import type { Dispatcher } from '../tasks/dispatcher.ts';
import type { Janitor } from '../tasks/janitor.ts';
import type { Calls } from './calls.ts';
import type { Courier } from './courier.ts';
import type { EventsAnswer, NodeMessage, Obedience, ReadAnswer } from './wire.ts';

/** Hands a message from a node to the part that it is for. */
export function routeNodeMessages(parts: {
  replies: Calls<Reply>;
  answers: Calls<ReadAnswer>;
  happened: Calls<EventsAnswer>;
  reads: Reads;
  eventReads: EventReads;
  dispatcher: Dispatcher;
  janitor: Janitor;
  courier: Courier;
  membership: Membership;
  ownership: Ownership;
  publisher: LivePublisher;
  feed: NodeLiveFeed;
  orders: Orders;
  obediences: Calls<Obedience>;
  background: Background;
}): (message: NodeMessage) => void {
  const { replies, answers, happened, reads, eventReads } = parts;
  const { dispatcher, janitor, courier } = parts;
  const { membership, ownership, publisher, feed, orders, obediences, background } = parts;
  return (message) => {
    switch (message.t) {
      case 'reply':
        replies.answer(message.call, message.reply);
        return;
      case 'state':
        answers.answer(message.call, message.answer);
        return;
      case 'read':
        reads.asked(message);
        return;
      case 'events':
        eventReads.asked(message);
        return;
      case 'happened':
        happened.answer(message.call, message.answer);
        return;
      case 'abort':
        dispatcher.abortHere(message.ref, message.reason);
        return;
      case 'holding': {
        const refs = message.refs.filter((ref) => !dispatcher.holds(ref));
        if (refs.length > 0) courier.post(message.from, { t: 'absent', refs });
        return;
      }
      case 'absent':
        janitor.absent(message.refs);
        return;
      case 'claim':
        if (message.rests) membership.rests(message.from);
        ownership.reconsider();
        return;
      case 'order':
        background.run('obey an order', async () => await orders.heard(message));
        return;
      case 'obeyed':
        obediences.answer(message.call, message.answer);
        return;
      case 'watch':
        // Who cannot be shown its workflow now is a new watcher again when it next says that it watches.
        reads.show(message.from, publisher.watch(message.from, message.ids), (id) =>
          publisher.unwatch(message.from, id),
        );
        return;
      case 'unwatch':
        publisher.unwatch(message.from, message.id);
        return;
      case 'watchRows':
        publisher.watchRows(message);
        return;
      case 'change':
        feed.changed(message.change);
        return;
      case 'rows':
        feed.rowsChanged(message);
        return;
      case 'logs':
        publisher.logged(message.id, message.lines);
    }
  };
}
