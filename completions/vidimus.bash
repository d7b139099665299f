# SPDX-License-Identifier: MIT
# Completion of vidimus for bash. The build puts the tables of options in place of the lines in @.

# Sets `options` and `arguments` to those of the command, and `commands`.
_vidimus_tables() {
@bash-globals@
    case $1 in
@bash@
    esac
}

# The archive that the command line names, as vidimus finds it.
_vidimus_archive() {
    local i archive=${VIDIMUS_ARCHIVE:-.}
    for ((i = 1; i < $# - 1; i++)); do
        case ${!i} in
        -C | --archive)
            local next=$((i + 1))
            archive=${!next}
            ;;
        -C*) archive=${!i#-C} ;;
        --archive=*) archive=${!i#*=} ;;
        esac
    done
    printf '%s' "$archive"
}

# The names of the keys in these files: what stands before the first + of a line.
_vidimus_key_names() {
    local file name
    for file; do
        [[ -r $file ]] && IFS=+ read -r name _ <"$file" && printf '%s\n' "$name"
    done
}

# What may stand for a value of one of these kinds, one a line. $1 is what is there of it.
_vidimus_values() {
    local kind file word=$1 archive=$2
    shift 2
    for kind; do
        case $kind in
        file) compgen -f -- "$word" ;;
        folder) compgen -d -- "$word" ;;
        role) compgen -W 'signer auditor ledger' -- "$word" ;;
        trusted-key)
            compgen -W "$(_vidimus_key_names "$archive"/keys/trusted/*.pub)" -- "$word"
            compgen -f -- "$word"
            ;;
        own-key)
            for file in "$archive"/keys/*.pub; do
                file=${file##*/}
                [[ $file != '*.pub' && ${file%.pub} == "$word"* ]] && printf '%s\n' "${file%.pub}"
            done
            ;;
        *) compgen -W "$kind" -- "$word" ;;
        esac
    done
}

# The command among these words, one word or two; nothing where none stands there yet.
_vidimus_command() {
    local skip='' first='' word
    for word; do
        if [[ $skip ]]; then
            skip=
        elif [[ $first ]]; then
            printf '%s %s' "$first" "$word"
            return
        elif [[ $word == -C || $word == --archive ]]; then
            skip=1
        elif [[ $word != -* && ",$commands," == *",$word,"* ]]; then
            printf '%s' "$word"
            return
        elif [[ $word != -* ]]; then
            first=$word
        fi
    done
    [[ $first ]] && printf '%s ' "$first"
}

# The kind of the value that the option takes: fails where it takes none.
_vidimus_kind() {
    local option
    for option in $options; do
        if [[ $option == "$1"=* ]]; then
            printf '%s' "${option#*=}"
            return
        fi
    done
    return 1
}

# What may come for `word`, one a line.
# shellcheck disable=SC2086  # kinds are lists of words
_vidimus_candidates() {
    local kind option before=${words[-2]}
    if [[ $word == --*=* ]] && kind=$(_vidimus_kind "${word%%=*}"); then
        _vidimus_values "${word#*=}" "$archive" $kind | sed "s|^|${word%%=*}=|"
    elif kind=$(_vidimus_kind "$before"); then
        _vidimus_values "$word" "$archive" $kind
    elif [[ $word == -* ]]; then
        for option in $options; do
            compgen -W "${option%%=*}" -- "$word"
        done
    elif [[ -z $command || $command == *' ' ]]; then
        tr , '\n' <<<"$commands" | sed -n "s/^$command//p" | cut -d ' ' -f 1 | sort -u |
            grep -- "^$word"
    else
        _vidimus_values "$word" "$archive" $arguments
    fi
}

_vidimus() {
    local -a words
    local word command archive options arguments commands prefix
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
    [[ ${COMP_LINE:COMP_POINT-1:1} == ' ' ]] && words+=('')
    word=${words[-1]}
    _vidimus_tables ''
    command=$(_vidimus_command "${words[@]:1:${#words[@]}-2}")
    _vidimus_tables "$command"
    archive=$(_vidimus_archive "${words[@]}")
    mapfile -t COMPREPLY < <(_vidimus_candidates)
    # bash replaces only what stands behind the last of its word breaks, such as @ and =.
    prefix=${word%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} == '=' ]] && prefix=$word
    COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}

complete -o filenames -F _vidimus vidimus
