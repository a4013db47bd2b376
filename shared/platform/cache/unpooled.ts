/** The same bytes in memory of their own. Node cuts small buffers out of shared slabs of 64 KiB, and one that is kept would
 *  keep its whole slab. Copies only what shares. */
export function unpooled(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.length) {
    return bytes
  }
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
