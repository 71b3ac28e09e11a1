import { defineEntity, p } from '@mikro-orm/core';

/**
 * An actor's snapshot, and what lists and counts are read from. The other tables have no entity: each has one statement or
 * two, which are in the file that is named after it.
 *
 * Times are BIGINT milliseconds: they are the model's own numbers, and no time zone of a session can change them. For a
 * person: `FROM_UNIXTIME(created_at / 1000)`.
 */
export const ActorEntity = defineEntity({
  name: 'Actor',
  tableName: 'actor',
  properties: {
    shard: p.smallint().unsigned().primary().fieldName('shard_id'),
    id: p.string().length(255).primary(),
    kind: p.string().length(16),
    name: p.string().length(255),
    version: p.string().length(64),
    state: p.string().length(32),
    seq: p.bigint('number').unsigned(),
    open: p.tinyint().unsigned().fieldName('is_open'),
    dueAt: p.bigint('number').nullable(),
    data: p.text().columnType('mediumtext'),
    failure: p.text().nullable(),
    createdAt: p.bigint('number'),
    startedAt: p.bigint('number').nullable(),
    endedAt: p.bigint('number').nullable(),
  },
  indexes: [
    { name: 'actor_open', properties: ['shard', 'open'] },
    { name: 'actor_due', properties: ['shard', 'dueAt'] },
    { name: 'actor_created', properties: ['kind', 'createdAt', 'id'] },
    { name: 'actor_state', properties: ['kind', 'state', 'createdAt', 'id'] },
    { name: 'actor_name_state', properties: ['kind', 'name', 'state', 'createdAt', 'id'] },
    { name: 'actor_id', properties: ['kind', 'id', 'state', 'name', 'createdAt'] },
    { name: 'actor_ended', properties: ['endedAt'] },
  ],
});
