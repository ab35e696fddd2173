import type { Config } from './config.ts'

/** Where the queue is: two with different prefixes, or schemas, know nothing of each other. */
export type QueueConnection = { kind: 'redis'; url: string; prefix: string } | { kind: 'postgres'; url: string; schema: string }

/** Redis when it is configured, else the database itself. */
export function queueConnection(
  config: Pick<Config, 'redisUrl' | 'queuePrefix' | 'databaseSchema'>,
  databaseUrl: string,
): QueueConnection {
  const { redisUrl, queuePrefix, databaseSchema } = config
  return redisUrl === undefined
    ? { kind: 'postgres', url: databaseUrl, schema: queueSchema(databaseSchema) }
    : { kind: 'redis', url: redisUrl, prefix: queuePrefix }
}

/** The queue's tables are BullMQ's, and stand beside ours. */
export function queueSchema(databaseSchema: string): string {
  return `${databaseSchema}_queue`
}
