#compdef pim
# Completes pim's command lines in zsh. Each Tab asks pim; nothing of its answer is evaluated here.

_pim_ask() {
  local program=${(Q)1}
  shift
  case $program in
    */*) ${program/#\~\//$HOME/} complete zsh -- "$@" ;;
    *) pim complete zsh -- "$@" ;; # an alias, too, under complete_aliases
  esac </dev/null 2>/dev/null
}

_pim() {
  local -a answer done open
  local line text brief
  answer=("${(@f)$(_pim_ask "$words[1]" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")}")
  for line in "${(@)answer[2,-1]}"; do
    text=${line%%$'\t'*}
    brief=${line#"$text"}
    text=${text//\\/\\\\}
    text=${text//:/\\:}${brief:+:${brief#$'\t'}}
    # More is to be typed after a name that ends so: no space follows it.
    case ${line%%$'\t'*} in
      *[:=/]) open+=("$text") ;;
      *) done+=("$text") ;;
    esac
  done
  local failed=1
  _describe -t values pim done && failed=0
  _describe -t values pim open -S '' && failed=0
  case $answer[1] in
    files)
      compset -P '--*='
      _files && failed=0
      ;;
    folders)
      compset -P '--*='
      _files -/ && failed=0
      ;;
  esac
  return failed
}

# Read by source, or found by compinit as a file of $fpath.
if [[ $funcstack[1] == _pim ]]; then
  _pim "$@"
else
  compdef _pim pim
fi
