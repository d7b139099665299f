# SPDX-License-Identifier: MIT
# Completion of vidimus for fish. The build puts the table of options in place of the line in @.

# The words of the command line that are no options, up to the cursor; -C's value is none of them.
function __vidimus_words
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
        else if contains -- $word -C --archive
            set skip yes
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

# Is the command this one? "" is none at all, and `key` alone the first of two words.
function __vidimus_is
    set -l words (__vidimus_words)
    if test -z "$argv[1]"
        test (count $words) -eq 0
    else if test "$argv[1]" = key; and test (count $argv) -eq 1
        test "$words" = key
    else
        test "$words[1..$(count $argv)]" = "$argv"
    end
end

# The archive that the command line names, as vidimus finds it.
function __vidimus_archive
    set -l archive .
    set -q VIDIMUS_ARCHIVE; and set archive $VIDIMUS_ARCHIVE
    set -l before
    for word in (commandline -opc)
        contains -- "$before" -C --archive; and set archive $word
        string match -q -- '--archive=*' $word; and set archive (string replace -- '--archive=' '' $word)
        set before $word
    end
    echo $archive
end

# What may stand for a value of one of these kinds.
function __vidimus_values
    set -l archive (__vidimus_archive)
    for kind in $argv
        switch $kind
            case file
                __fish_complete_path (commandline -ct)
            case folder
                __fish_complete_directories (commandline -ct)
            case role
                printf '%s\n' signer auditor ledger
            case own-key
                for file in $archive/keys/*.pub
                    string replace -r '.*/(.*)\.pub$' '$1' -- $file
                end
            case trusted-key
                for file in $archive/keys/trusted/*.pub
                    head -n 1 $file | string replace -r '\+.*' ''
                end
                __fish_complete_path (commandline -ct)
            case '*'
                echo $kind
        end
    end
end

complete -c vidimus -f
complete -c vidimus -n '__vidimus_is ""' -a key -d 'makes, authorizes, retires, revokes and exports keys'
@fish@
