/** Completion for bash 4.2 and newer. The script never starts this program, so that the Tab key answers at once. */
import { functionName, quote, type CompletionNode, type Value } from './tree.js'

export function bashCompletion (program: string, nodes: readonly CompletionNode[]): string {
  const name = functionName(program, [])
  // "users add --groups": an option at its command
  const at = (path: readonly string[], word: string) => quote([...path, word].join(' '))
  const valued = nodes.flatMap(({ path, options }) => options.filter(({ value }) => value !== undefined).map((option) => ({ path, option })))
  const keys = ({ path, option }: typeof valued[number]) => option.names.map((word) => at(path, word)).join('|')
  return `# bash completion for ${program}; to use it: source <(${program} completion bash)
${name} () {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' option='' word
  # the command so far, and the option that waits for its value
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    # bash takes --option=value apart
    [[ $word == '=' ]] && continue
    if [[ -n $option ]]; then option=''; continue; fi
    case "\${path:+$path }$word" in
${nodes.slice(1).map(({ path }) => `      ${quote(path.join(' '))}) path=${quote(path.join(' '))} ;;`).join('\n')}
      ${valued.map(keys).join('|')}) option="\${path:+$path }$word" ;;
    esac
  done
  [[ $current == '=' ]] && current=''
  case "$option" in
    '') ;;
${valued.map((each) => `    ${keys(each)}) ${bashValue(each.option.value!)}; return ;;`).join('\n')}
  esac
  case "$path" in
${nodes.map((node) => `    ${quote(node.path.join(' '))}) ${bashWords(node)} ;;`).join('\n')}
  esac
}
complete -F ${name} ${program}
`
}

function bashWords ({ commands, options, argument }: CompletionNode): string {
  const words = `if [[ $current == -* ]]; then ${bashValue({ words: options.flatMap(({ names }) => names) })}`
  const other = commands.length > 0 ? { words: commands.map(({ name }) => name) } : argument
  return `${words}; ${other === undefined ? '' : `else ${bashValue(other)}; `}fi`
}

function bashValue (value: Value): string {
  if (value === 'any') return 'COMPREPLY=()'
  const flags = value === 'file' ? '-f' : value === 'directory' ? '-d' : `-W ${quote(value.words.join(' '))}`
  const fileNames = typeof value === 'string' ? 'compopt -o filenames; ' : ''
  return `${fileNames}mapfile -t COMPREPLY < <(compgen ${flags} -- "$current")`
}
