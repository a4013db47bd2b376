import { keyTag } from '#platform/cache/dependencies'
import type { NamedRead } from '#platform/cache/remote-question'
import { organisationTag } from '#platform/resource/dependencies'
import { z } from 'zod'

const tagForms =
  'a tag is `table`, `table:id`, `table.column=value`, `table.*` or `@name=value`, in at most 300 characters'
const patternForms =
  'a pattern is a family of tags, `table:*` (or `table.*`): every answer that read the table; or `table:id`: those that show the row; for less give a tag, for one organisation { by: "organisation" }, for all { by: "everything" }'

const tagCharactersMax = 300
const tagsMax = 100
/** Of keys, which hold a whole query string. */
const keyCharactersMax = 4_000

/** Values stand in tags as PostgreSQL writes them, so a uuid in lower case. */
const uuid = z.uuid().toLowerCase()
const withLowerUuid = (tag: string): string =>
  tag.replace(/(?<=[:=])[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, (id) => id.toLowerCase())

const tag = z
  .string()
  .max(tagCharactersMax, tagForms)
  .regex(/^([a-z_]\w*(:.+|\.\*|\.[a-z_]\w*=.+)?|@[a-z]+=.+)$/su, tagForms)
  .regex(/^[^\0]*$/, tagForms)
  .transform(withLowerUuid)

/** A read by its URL and whom it is for, as `GET` would be sent. */
export const readSchema = z.strictObject({
  url: z
    .string()
    .max(keyCharactersMax)
    .regex(/^(https?:\/\/[^/]+)?\/[^\s\0]*$/i, 'must be a URL or a path with its query'),
  organisationId: uuid.exactOptional(),
  memberId: uuid.exactOptional(),
})

const parts = [
  z.strictObject({ by: z.literal('tag'), tags: z.array(tag).min(1).max(tagsMax) }),
  z.strictObject({
    by: z.literal('key'),
    key: z
      .string()
      .min(1)
      .max(keyCharactersMax)
      .regex(/^[^\0]*$/, 'must be the text of a key'),
  }),
  readSchema.extend({ by: z.literal('url') }),
  z.strictObject({
    by: z.literal('pattern'),
    pattern: z
      .string()
      .max(tagCharactersMax, patternForms)
      .regex(/^[a-z_]\w*([:.]\*|:[^*\0]+)$/, patternForms)
      .transform(withLowerUuid),
  }),
  z.strictObject({ by: z.literal('organisation'), organisationId: uuid }),
] as const
const everything = z.strictObject({
  by: z.literal('everything'),
  confirm: z.boolean().exactOptional(),
})
const kinds = { error: 'by must be tag, key, url, pattern, organisation or everything' }

/** Which answers an operator means. */
export const targetSchema = z.discriminatedUnion('by', [...parts, everything], kinds)

/** The same, to be invalidated: everything at once takes a word more, for every reader then waits for the database. */
export const invalidationSchema = z.discriminatedUnion(
  'by',
  [
    ...parts,
    everything.extend({
      confirm: z.literal(true, 'everything has to be confirmed: { "confirm": true }'),
    }),
  ],
  kinds,
)

export type Target = z.output<typeof targetSchema> | z.output<typeof invalidationSchema>

/** The tags that name the target; undefined for everything, which no tag names.
 *  @param keysOf tells the keys of the answers to a URL: versions of the product beside each other have their own */
export async function tagsOf(
  target: Target,
  keysOf: (named: NamedRead) => Promise<readonly string[]>,
): Promise<readonly string[] | undefined> {
  switch (target.by) {
    case 'tag':
      return target.tags
    case 'key':
      return [keyTag(target.key)]
    case 'url': {
      const { by: _by, ...named } = target
      return (await keysOf(named)).map(keyTag)
    }
    case 'pattern':
      return [target.pattern.replace(/[:.]\*$/, '')]
    case 'organisation':
      return [organisationTag(target.organisationId)]
    case 'everything':
      break
  }
  return undefined
}

/** The target as the log keeps it: without query strings, which may hold what people searched for. */
export function loggedTarget(target: Target): Readonly<Record<string, unknown>> {
  if (target.by === 'key') {
    return { by: target.by, key: target.key.split('\n').slice(0, -1) }
  }
  if (target.by === 'url') {
    return { ...target, url: target.url.split('?', 1)[0] }
  }
  return target.by === 'tag'
    ? { ...target, tags: target.tags.map((one) => one.replace(/^@key=.*$/s, '@key')) }
    : target
}
