# Completes pim's command lines in fish. Each Tab asks pim; nothing of its answer is evaluated here.

function __pim_ask
    set -l program $argv[1]
    set -e argv[1]
    if string match -q '*/*' -- $program
        set program (string replace -r '^~/' "$HOME/" -- $program)
        test -x $program; or return
        $program complete fish -- $argv </dev/null 2>/dev/null
    else
        pim complete fish -- $argv </dev/null 2>/dev/null
    end
end

function __pim_proposals
    set -l partial (commandline -ct)
    set -l answer (__pim_ask (commandline -opc) "$partial")
    set -l prefix (string match -r -- '^--[^=]+=' "$partial")
    set -l path (string replace -- "$prefix" '' "$partial")
    switch "$answer[1]"
        case files
            printf '%s\n' "$prefix"(__fish_complete_path "$path")
        case folders
            printf '%s\n' "$prefix"(__fish_complete_directories "$path" '')
    end
    set -e answer[1]
    printf '%s\n' $answer
end

complete -c pim -f -a '(__pim_proposals)'
