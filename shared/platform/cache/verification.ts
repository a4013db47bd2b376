import type { ChangeLog } from './change-log.ts'
import type { Follower } from './follower.ts'
import type { RedisTier } from './redis-tier.ts'

type Parts = {
  readonly redis: Pick<RedisTier, 'greatestXmax'>
  readonly changes: ChangeLog
  readonly follower: Follower
}

/** Says of an epoch whether what Redis holds of it belongs to this database. Redis remembers the greatest transaction id that
 *  was ever stored: a database that is behind it was restored or copied, and will give the same ids to other transactions, so
 *  its epoch has to end. Asked once for each epoch and connection. */
export function createVerification({
  redis,
  changes,
  follower,
}: Parts): (epoch: string) => Promise<boolean> {
  let verified = { epoch: '', connection: -1 }

  const isBehind = (greatest: number): boolean =>
    changes.cursor !== undefined && greatest > changes.cursor.xmax

  return async (epoch) => {
    const connection = follower.connections()
    if (verified.epoch === epoch && verified.connection === connection) {
      return true
    }
    const greatest = await redis.greatestXmax(epoch)
    if (greatest === 'unknown') {
      return false
    }
    if (greatest !== 'none' && isBehind(greatest)) {
      await follower.catchUp().catch(() => undefined)
      if (changes.epoch === epoch && isBehind(greatest)) {
        await follower.send('select rotate_cache_epoch()', []).catch(() => undefined)
        return false
      }
    }
    verified = { epoch, connection }
    return changes.epoch === epoch
  }
}
