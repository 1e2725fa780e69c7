# telltale_embed(TARGET FILES NAME=PATH… FOLDERS PREFIX/=PATH…): these files become a part of the target, found at run
# time through src/api/embedded.hpp. A folder that is not there is empty.
find_program(BROTLI brotli REQUIRED)
find_program(PYTHON3 python3 REQUIRED)

function(telltale_embed target)
  cmake_parse_arguments(ARG "" "" "FILES;FOLDERS" ${ARGN})
  set(inputs ${CMAKE_SOURCE_DIR}/tools/embed.py)
  foreach(entry ${ARG_FILES})
    string(REGEX REPLACE "^[^=]*=" "" path ${entry})
    list(APPEND inputs ${path})
  endforeach()
  foreach(entry ${ARG_FOLDERS})
    string(REGEX REPLACE "^[^=]*=" "" path ${entry})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${path}/*)
    list(APPEND inputs ${found})
  endforeach()
  set(cpp ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.cpp)
  set(bin ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.bin)
  add_custom_command(OUTPUT ${cpp} ${bin} DEPENDS ${inputs} VERBATIM COMMENT "Embedding files into ${target}"
    COMMAND ${PYTHON3} ${CMAKE_SOURCE_DIR}/tools/embed.py --cpp ${cpp} --bin ${bin} ${ARG_FILES} ${ARG_FOLDERS})
  set_source_files_properties(${cpp} PROPERTIES OBJECT_DEPENDS ${bin} SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE ${cpp})
endfunction()
