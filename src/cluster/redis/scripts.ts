import { createHash } from 'node:crypto';

/**
 * A Lua script: one atomic operation on keys of one hash slot. It is called by its hash; the link sends the source when
 * the server does not know it.
 *
 * Two rules for their text. A script that takes something away first makes a write that Redis refuses when memory is full,
 * so that it fails before it has begun and not half-way. And numbers beyond 2^31 are formatted by `%.0f`, because Lua's own
 * conversion keeps 14 digits.
 */
export class Script {
  readonly source: string;
  readonly hash: string;

  constructor(source: string) {
    this.source = source;
    this.hash = createHash('sha1').update(source).digest('hex');
  }

  call(keys: readonly string[], args: readonly (string | number)[]): Call {
    return { command: 'evalsha', args: [this.hash, keys.length, ...keys, ...args], script: this };
  }
}

/** A command to send, alone or in a pipeline. */
export interface Call {
  readonly command: string;
  readonly args: readonly (string | number)[];
  readonly script?: Script;
}

export function command(name: string, ...args: readonly (string | number)[]): Call {
  return { command: name, args };
}

/**
 * KEYS   gen
 * ARGV   a fresh nonce
 * result the nonce of this data set: the one that is there, otherwise the fresh one. Its change tells of lost data.
 */
export const generation = new Script(`
local gen = redis.call('GET', KEYS[1])
if not gen then
  redis.call('SET', KEYS[1], ARGV[1])
  gen = ARGV[1]
end
return gen
`);

/**
 * KEYS   mailbox, owner
 * ARGV   limit, message...
 * result {how many were appended, node of the owner or nil}; those beyond the limit are left out
 */
export const sendMessages = new Script(`
local room = math.max(tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1]), 0)
local accepted = math.min(room, #ARGV - 1)
for i = 2, accepted + 1 do
  redis.call('XADD', KEYS[1], '*', 'm', ARGV[i])
end
return {accepted, redis.call('HGET', KEYS[2], 'node')}
`);

/**
 * KEYS   owner
 * ARGV   node, epoch
 * result 1 when it is recorded, 0 when a higher epoch was there
 */
export const installOwner = new Script(`
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
if tonumber(ARGV[2]) < epoch then return 0 end
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'epoch', ARGV[2])
return 1
`);

/**
 * KEYS   beats, nodes, gen
 * ARGV   node, its info or '' for unchanged, a fresh nonce
 * result {beats as field, value..., infos as field, value..., {seconds, microseconds}, nonce}
 */
export const beat = new Script(`
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
local gen = redis.call('GET', KEYS[3])
if not gen then
  redis.call('SET', KEYS[3], ARGV[3])
  gen = ARGV[3]
end
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]), redis.call('TIME'), gen}
`);

/*
 * A task queue is four keys. `ready`: key -> place in line. `payload`: key -> what to do. `leases`: key -> deadline.
 * `state`: key -> "deliveries priority pushedAt holder", where the holder is empty while the item is ready.
 *
 * Places are whole numbers, 2^44 to a priority. An empty priority begins in the middle; a push goes behind the last, a
 * return before the first. Up to priority 255 all places are exact in a double.
 */
const queueText = `
local width = 17592186044416
local function exact(n) return string.format('%.0f', n) end
local function behind(ready, priority)
  local low = priority * width
  local last = redis.call('ZREVRANGEBYSCORE', ready, '(' .. exact(low + width), exact(low), 'WITHSCORES', 'LIMIT', 0, 1)
  if last[2] then return tonumber(last[2]) + 1 end
  return low + width / 2
end
local function before(ready, priority)
  local low = priority * width
  local first = redis.call('ZRANGEBYSCORE', ready, exact(low), '(' .. exact(low + width), 'WITHSCORES', 'LIMIT', 0, 1)
  if first[2] then return tonumber(first[2]) - 1 end
  return low + width / 2
end
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function stateOf(hash, key)
  local state = redis.call('HGET', hash, key)
  if not state then return nil end
  local deliveries, priority, pushedAt, holder = string.match(state, '^(%d+) (%d+) (%d+) (.*)$')
  return {deliveries = tonumber(deliveries), priority = tonumber(priority), pushedAt = tonumber(pushedAt), holder = holder}
end
local function keep(hash, key, state)
  redis.call('HSET', hash, key,
    state.deliveries .. ' ' .. state.priority .. ' ' .. exact(state.pushedAt) .. ' ' .. state.holder)
end
`;

/**
 * KEYS   ready, payload, state
 * ARGV   limit, (key, priority, payload)...
 * result how many were new, or -1 when the queue has no room for all that are
 */
export const pushTasks = new Script(`${queueText}
local fresh, seen = {}, {}
for i = 2, #ARGV, 3 do
  if not seen[ARGV[i]] and redis.call('HEXISTS', KEYS[3], ARGV[i]) == 0 then
    seen[ARGV[i]] = true
    fresh[#fresh + 1] = i
  end
end
if #fresh == 0 then return 0 end
if redis.call('ZCARD', KEYS[1]) + #fresh > tonumber(ARGV[1]) then return -1 end
local at, places = now(), {}
for _, i in ipairs(fresh) do
  local key, priority = ARGV[i], tonumber(ARGV[i + 1])
  local place = places[priority] or behind(KEYS[1], priority)
  places[priority] = place + 1
  redis.call('ZADD', KEYS[1], exact(place), key)
  redis.call('HSET', KEYS[2], key, ARGV[i + 2])
  keep(KEYS[3], key, {deliveries = 0, priority = priority, pushedAt = at, holder = ''})
end
return #fresh
`);

/**
 * KEYS   ready, payload, state, leases
 * ARGV   node, count, first lease ms, longest lease ms, most deliveries
 * result {items as key, payload, delivery..., poisoned as key, payload..., still ready}
 */
export const claimTasks = new Script(`${queueText}
local node, count, firstMs, leaseMs, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
-- Changes nothing, but is refused when memory is full.
redis.call('ZADD', KEYS[4], 'XX', 0, '')
local at = now()
-- No lease is longer than this, unless the clock was set back since; it would hold the item for all that time.
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. exact(at + leaseMs), '+inf', 'LIMIT', 0, 100)) do
  redis.call('ZADD', KEYS[4], exact(at + leaseMs), key)
end
local poisoned = {}
local expired = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', exact(at), 'LIMIT', 0, 100)
for i = #expired, 1, -1 do
  local key = expired[i]
  local state = stateOf(KEYS[3], key)
  if state and state.deliveries < most then
    state.holder = ''
    keep(KEYS[3], key, state)
    redis.call('ZADD', KEYS[1], exact(before(KEYS[1], state.priority)), key)
  else
    poisoned[#poisoned + 1] = key
    poisoned[#poisoned + 1] = redis.call('HGET', KEYS[2], key) or ''
    redis.call('HDEL', KEYS[2], key)
    redis.call('HDEL', KEYS[3], key)
  end
  redis.call('ZREM', KEYS[4], key)
end
local items = {}
if count > 0 then
  for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, count - 1)) do
    local state, payload = stateOf(KEYS[3], key), redis.call('HGET', KEYS[2], key)
    if state and payload then
      state.deliveries = state.deliveries + 1
      state.holder = node
      redis.call('ZADD', KEYS[4], exact(at + firstMs), key)
      keep(KEYS[3], key, state)
      items[#items + 1] = key
      items[#items + 1] = payload
      items[#items + 1] = state.deliveries
    end
    redis.call('ZREM', KEYS[1], key)
  end
end
return {items, poisoned, redis.call('ZCARD', KEYS[1])}
`);

/**
 * KEYS   state, leases
 * ARGV   node, lease ms, key...
 * result the keys that this node does not hold
 */
export const extendLeases = new Script(`${queueText}
local gone, deadline = {}, exact(now() + tonumber(ARGV[2]))
for i = 3, #ARGV do
  local state = stateOf(KEYS[1], ARGV[i])
  if state and state.holder == ARGV[1] then
    redis.call('ZADD', KEYS[2], deadline, ARGV[i])
  else
    gone[#gone + 1] = ARGV[i]
  end
end
return gone
`);

/**
 * KEYS   state, leases
 * ARGV   node, key...
 * result how many were held by the node; their leases are over
 */
export const endLeases = new Script(`${queueText}
local ended = 0
for i = 2, #ARGV do
  local state = stateOf(KEYS[1], ARGV[i])
  if state and state.holder == ARGV[1] then
    redis.call('ZADD', KEYS[2], 0, ARGV[i])
    ended = ended + 1
  end
end
return ended
`);

/**
 * KEYS   payload, state, leases
 * ARGV   node, key...
 * result how many were held by the node and are removed
 */
export const finishTasks = new Script(`${queueText}
local finished = 0
for i = 2, #ARGV do
  local state = stateOf(KEYS[2], ARGV[i])
  if state and state.holder == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('ZREM', KEYS[3], ARGV[i])
    finished = finished + 1
  end
end
return finished
`);

/**
 * KEYS   ready, state, leases
 * ARGV   node, key...
 * result how many were held by the node and are ready again, in the order given, before all others of their priority
 */
export const releaseTasks = new Script(`${queueText}
local released = 0
for i = #ARGV, 2, -1 do
  local key = ARGV[i]
  local state = stateOf(KEYS[2], key)
  if state and state.holder == ARGV[1] then
    redis.call('ZADD', KEYS[1], exact(before(KEYS[1], state.priority)), key)
    state.deliveries = state.deliveries - 1
    state.holder = ''
    keep(KEYS[2], key, state)
    redis.call('ZREM', KEYS[3], key)
    released = released + 1
  end
end
return released
`);

/**
 * KEYS   ready, payload, state, leases
 * ARGV   key
 * result {'ready' | 'leased' | 'absent', holder or nil}; the item is gone in every case
 */
export const cancelTask = new Script(`${queueText}
local key = ARGV[1]
local state = stateOf(KEYS[3], key)
if not state then return {'absent', false} end
redis.call('ZREM', KEYS[1], key)
redis.call('HDEL', KEYS[2], key)
redis.call('HDEL', KEYS[3], key)
redis.call('ZREM', KEYS[4], key)
if state.holder == '' then return {'ready', false} end
return {'leased', state.holder}
`);

/**
 * KEYS   ready, state, leases
 * ARGV   -
 * result {ready, leased, age in ms of the item that waits longest, 0 when none does}
 */
export const queueDepth = new Script(`${queueText}
local at, oldest, from = now(), 0, '-inf'
-- The first of each priority has waited longest in it; 32 priorities are looked at.
for _ = 1, 32 do
  local first = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if not first[1] then break end
  local state = stateOf(KEYS[2], first[1])
  if state then oldest = math.max(oldest, at - state.pushedAt) end
  from = exact((math.floor(tonumber(first[2]) / width) + 1) * width)
end
return {redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[3]), oldest}
`);

/** All of them, to be made known to a server ahead of their first call. */
export const allScripts: readonly Script[] = [
  generation,
  sendMessages,
  installOwner,
  beat,
  pushTasks,
  claimTasks,
  extendLeases,
  endLeases,
  finishTasks,
  releaseTasks,
  cancelTask,
  queueDepth,
];
