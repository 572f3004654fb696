# SPDX-License-Identifier: Apache-2.0
# What the shared library exports: the symbols that abi/stable_abi.toml lists, in the words of each linker:
#   hob.map      ELF: a version script, whose node is the major version
#   hob.def      Windows: a module definition
#   hob.exports  Apple: -exported_symbols_list
# Included, it defines hob_write_exports(); `cmake -DMANIFEST= -DOUT=<folder> -DMAJOR= -P` calls it.

function(hob_write_exports manifest out major)
  # As much TOML as the manifest uses: [[table]] and key = "value" lines, so that configuring needs no Python.
  file(STRINGS "${manifest}" lines)
  set(table "")
  set(symbols)
  foreach(line IN LISTS lines)
    if(line MATCHES "^\\[\\[ *([a-z_]+) *\\]\\]")
      set(table "${CMAKE_MATCH_1}")
    elseif(table STREQUAL "symbol" AND line MATCHES "^name *= *\"(hob_[a-z0-9_]+)\"")
      list(APPEND symbols "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  if(NOT symbols)
    message(FATAL_ERROR "${manifest} lists no [[symbol]]: the library would export nothing")
  endif()
  list(SORT symbols)
  list(JOIN symbols ";\n    " map)
  list(JOIN symbols "\n  " def)
  list(JOIN symbols "\n_" exports)
  file(CONFIGURE OUTPUT "${out}/hob.map" CONTENT "HOB_${major} {\n  global:\n    ${map};\n  local: *;\n};\n" @ONLY)
  file(CONFIGURE OUTPUT "${out}/hob.def" CONTENT "LIBRARY hob\nEXPORTS\n  ${def}\n" @ONLY)
  file(CONFIGURE OUTPUT "${out}/hob.exports" CONTENT "_${exports}\n" @ONLY)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  hob_write_exports("${MANIFEST}" "${OUT}" "${MAJOR}")
endif()
