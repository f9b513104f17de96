/**
 * Completion scripts. They call `authn-webhook __complete -- WORD…`, which prints a
 * line for each candidate, with a tab before its description, or the single line
 * `:files` or `:directories`.
 */

const bash = `# bash completion for authn-webhook
_authn_webhook () {
  local current="\${COMP_WORDS[COMP_CWORD]}" lines
  mapfile -t lines < <("\${COMP_WORDS[0]/#~\\//$HOME/}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
  [[ $current == '=' ]] && current=''
  case "\${lines[0]}" in
    :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    :directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) COMPREPLY=("\${lines[@]%%$'\\t'*}") ;;
  esac
}
complete -F _authn_webhook authn-webhook
`

const zsh = `#compdef authn-webhook
# zsh completion for authn-webhook
_authn_webhook () {
  local -a lines=("\${(@f)$(\${~words[1]} __complete -- "\${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
  case $lines[1] in
    :files) compset -P '--*='; _files ;;
    :directories) compset -P '--*='; _files -/ ;;
    ?*) lines=("\${(@)lines/$'\\t'/:}"); _describe authn-webhook lines ;;
  esac
}
if [[ "$funcstack[1]" == _authn_webhook ]]; then _authn_webhook "$@"; else compdef _authn_webhook authn-webhook; fi
`

const fish = `# fish completion for authn-webhook
function __authn_webhook_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($tokens[1] __complete -- $tokens[2..] "$current" 2> /dev/null)
    set -l option (string match -r -- '^--[^=]*=' "$current")
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$lines[1]"
        case :files
            set lines "$option"(__fish_complete_path "$value")
        case :directories
            set lines "$option"(__fish_complete_directories "$value")
    end
    string join \\n -- $lines
end
complete -c authn-webhook -f -a '(__authn_webhook_complete)'
`

export const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish }
