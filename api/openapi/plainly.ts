import type { ZodOpenApiOverride } from 'zod-openapi'

/** Formats whose patterns are long and say nothing that the format's name does not. */
const formats = new Set(['date-time', 'uuid', 'uri'])

/** Leaves out of a schema what would mislead or bore its readers: patterns beside a format, the bounds of JavaScript's
 *  whole numbers, and in answers the promise that no property will ever be added. */
export const plainly: ZodOpenApiOverride = ({ jsonSchema, io }) => {
  if (formats.has(jsonSchema.format ?? '')) {
    delete jsonSchema.pattern
  }
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) {
    delete jsonSchema.minimum
  }
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER && io === 'output') {
    delete jsonSchema.maximum
  }
  if (io === 'output' && jsonSchema.additionalProperties === false) {
    delete jsonSchema.additionalProperties
  }
}
