/** YAML with the escapes of `printable`; apart from it, since js-yaml takes longer to load than most commands to run. */
import { randomBytes } from 'node:crypto'
import { dump } from 'js-yaml'
import { hex, mapTexts, UNPRINTABLE, UNPRINTABLE_IN_LINES } from './printable.js'

/** Returns YAML that is equivalent to the value's JSON. Texts with escapes are in double quotes. */
export function formatYaml (value: unknown): string {
  // js-yaml does not escape all of them: such texts are replaced by unique placeholders while it runs
  const placeholder = `x${randomBytes(16).toString('hex')}x`
  const texts: string[] = []
  const replace = (text: string): string => text.search(UNPRINTABLE_IN_LINES) === -1 ? text : `${placeholder}${texts.push(text) - 1}x`
  // by way of JSON, so that dates and absent fields are the same in both formats
  const yaml = dump(mapTexts(JSON.parse(JSON.stringify(value)), replace, replace), { lineWidth: -1, noRefs: true })
  return yaml.replace(new RegExp(`${placeholder}(\\d+)x`, 'g'), (_match, index: string) => quote(texts[Number(index)] ?? ''))
}

function quote (text: string): string {
  return JSON.stringify(text).replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0)!
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
  })
}
