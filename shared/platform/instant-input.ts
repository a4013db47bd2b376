import { z } from 'zod'

/** An instant in a body: RFC 3339 with its zone, so that nobody's local time is guessed. */
export const instantInput = z.iso
  .datetime({ offset: true, error: 'must be RFC 3339 with a zone, as 2026-11-22T08:00:00Z' })
  .transform((text) => new Date(text))
