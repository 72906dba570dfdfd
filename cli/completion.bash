# bash completion for domesday: the command itself knows what may come next.
_domesday()
{
    local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" completion -- \
        "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$word"))
}
complete -o bashdefault -o default -F _domesday domesday
