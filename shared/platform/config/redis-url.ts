/** The settings that name a Redis server. */
type RedisNames = {
  readonly REDIS_URL?: string | undefined
  readonly REDIS_HOST?: string | undefined
  readonly REDIS_PORT?: number | undefined
  readonly REDIS_DB?: number | undefined
}

/** The URL made of REDIS_HOST, REDIS_PORT and REDIS_DB, when the host is set. */
export function redisUrlOf(names: RedisNames): string | undefined {
  const { REDIS_HOST: host, REDIS_PORT: port = 6379, REDIS_DB: database = 0 } = names
  return host === undefined ? undefined : `redis://${host}:${port}/${database}`
}
