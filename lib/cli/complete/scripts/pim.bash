# Completes pim's command lines in bash. Each Tab asks pim, which answers with words that are quoted already: nothing of
# them is evaluated here.

_pim_ask() {
  case $1 in
    */*) "${1/#\~\//$HOME/}" complete bash -- "$2" "$3" ;;
    *) pim complete bash -- "$2" "$3" ;; # an alias, too
  esac </dev/null 2>/dev/null
}

_pim() {
  local line=${COMP_LINE:0:COMP_POINT} paths='' reply
  COMPREPLY=()
  {
    IFS= read -r paths
    while IFS= read -r reply; do COMPREPLY+=("$reply"); done
  } < <(_pim_ask "$1" "$line" "$2")
  # Names come before paths; where there are none, readline completes a path by itself.
  if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
    case $paths in
      files) compopt -o default +o nospace 2>/dev/null ;;
      folders) compopt -o dirnames +o nospace 2>/dev/null ;;
    esac
  fi
  return 0
}

complete -o nospace -F _pim pim
