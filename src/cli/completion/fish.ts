/** Completion for fish: one `complete` a word, each only at its command. */
import { functionName, quote, type CompletionNode, type CompletionOption, type Value } from './tree.js'

export function fishCompletion (program: string, nodes: readonly CompletionNode[]): string {
  const at = `_${functionName(program, [])}_at`
  const complete = (path: readonly string[], rest: string) => `complete -c ${program} -n ${quote(`${at} "${path.join(' ')}"`)} ${rest}`
  return `# fish completion for ${program}; to use it: ${program} completion fish | source
# true where the command line has come to this command and to none below it
function ${at}
    set -l come
    for word in (commandline -opc)[2..]
        if contains -- (string join -- ' ' $come $word) ${nodes.slice(1).map(({ path }) => quote(path.join(' '))).join(' ')}
            set -a come $word
        end
    end
    test "$come" = $argv[1]
end
complete -c ${program} -f
${nodes.flatMap(({ path, commands, options, argument }) => [
    ...commands.map(({ name, description }) => complete(path, `-a ${name} -d ${quote(description)}`)),
    ...options.map((option) => complete(path, fishOption(option))),
    ...argument === undefined || commands.length > 0 ? [] : [complete(path, fishValue(argument))]
  ]).join('\n')}
`
}

function fishOption ({ names, description, value }: CompletionOption): string {
  const flags = names.map((name) => name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)
  return [...flags, ...value === undefined ? [] : [fishValue(value)], `-d ${quote(description)}`].join(' ')
}

/** `-x`: a value, and no file names beside it. */
function fishValue (value: Value): string {
  switch (value) {
    case 'any': return '-x'
    case 'file': return '-r -F'
    case 'directory': return "-x -a '(__fish_complete_directories)'"
    default: return `-x -a ${quote(value.words.join(' '))}`
  }
}
