import { z } from 'zod'
import type { ZodOpenApiOverride } from 'zod-openapi'

/** Formats whose patterns are long and say nothing that the format's name does not. */
const formats = new Set(['date-time', 'uuid', 'uri'])

/** Leaves out of a schema what would mislead or bore its readers: patterns beside a format, the bounds of JavaScript's
 *  whole numbers, and in answers the promise that no property will ever be added. */
export const plainly: ZodOpenApiOverride = ({ jsonSchema, zodSchema, io }) => {
  // A further check makes zod forget the name of the format.
  if (zodSchema instanceof z.ZodISODateTime) {
    jsonSchema.format = 'date-time'
  }
  if (formats.has(jsonSchema.format ?? '')) {
    delete jsonSchema.pattern
    delete jsonSchema.allOf
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
