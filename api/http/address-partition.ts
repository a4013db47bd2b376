import { isIPv4 } from 'node:net'

/** Whose quota a request without a good credential counts against: its IPv4 address, or the /56 of its IPv6 address, which
 *  is what one household is given; single addresses of it are free for the taking. An address that cannot be read
 *  (`undefined`) shares one quota with all such.
 *  @param address as `addressOf` gives it */
export function addressPartition(address: string | undefined): string {
  if (address === undefined || isIPv4(address)) {
    return address ?? 'unreadable'
  }
  const groups = groupsOf(address)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xff_ff
  if (isMapped) {
    const [high = 0, low = 0] = groups.slice(6)
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  const [one = 0, two = 0, three = 0, four = 0] = groups
  return [one, two, three, four & 0xff_00].map((group) => group.toString(16)).join(':')
}

/** The eight numbers of a valid IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const hexadecimal = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail] = hexadecimal.split('::')
  const numbers = (text: string): readonly number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const [first, last] = [numbers(head), numbers(tail ?? '')]
  const zeros = Math.max(0, 8 - first.length - last.length)
  return [...first, ...Array.from({ length: zeros }, () => 0), ...last]
}
