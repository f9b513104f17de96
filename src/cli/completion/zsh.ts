/** Completion for zsh: one function a command, each with its own `_arguments`. */
import { functionName, quote, type CompletionNode, type CompletionOption, type Value } from './tree.js'

export function zshCompletion (program: string, nodes: readonly CompletionNode[]): string {
  const name = functionName(program, [])
  return `#compdef ${program}
# zsh completion for ${program}; to use it: source <(${program} completion zsh)
${nodes.map((node) => zshFunction(program, node)).join('\n')}
if [[ "$funcstack[1]" == ${quote(name)} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi
`
}

function zshFunction (program: string, { path, commands, options, argument }: CompletionNode): string {
  const specs = options.map(zshOption)
  const name = functionName(program, path)
  if (commands.length === 0) {
    if (argument !== undefined) specs.push(quote(`1:argument${zshValue(argument)}`))
    return `${name} () {\n  _arguments ${specs.join(' \\\n    ')}\n}`
  }
  return `${name} () {
  local curcontext="$curcontext" state line
  local -a commands=(
${commands.map((command) => `    ${quote(`${command.name}:${command.description}`)}`).join('\n')}
  )
  _arguments -C ${[...specs, "'1:command:->command'", "'*::argument:->argument'"].join(' \\\n    ')}
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
${commands.map((command) => `        ${command.name}) ${functionName(program, [...path, command.name])} ;;`).join('\n')}
      esac ;;
  esac
}`
}

function zshOption ({ names, description, value, repeatable }: CompletionOption): string {
  const text = description.replace(/[[\]:\\]/g, String.raw`\$&`)
  const action = value === undefined ? '' : `:value${zshValue(value)}`
  // an option that was given is not offered again, under either name
  const others = repeatable ? '*' : `(${names.join(' ')})`
  return names.map((name) => quote(`${others}${name}[${text}]${action}`)).join(' ')
}

function zshValue (value: Value): string {
  switch (value) {
    case 'any': return ': '
    case 'file': return ':_files'
    case 'directory': return ':_files -/'
    default: return `:(${value.words.join(' ')})`
  }
}
