# A benchmark: a program with a main() that reports figures (tests/bench/bench.hpp). Built by tests_bench, run by
# `./tests/run bench`, not part of CI.
#   micro_bench(bench_chain_crypto DEPS chain_crypto SOURCES crypto_bench.cpp)
function(micro_bench name)
  cmake_parse_arguments(ARG "" "" "DEPS;SOURCES" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} Threads::Threads micro_warnings)
  target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/modules/tests_main)
  add_dependencies(tests_bench ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS bench TIMEOUT 1800 RUN_SERIAL ON)
endfunction()

# A benchmark in Python that measures the built binary from outside. PROGRAMS are targets that it runs besides micro; it
# finds each under its name in capitals, like MICRO_CALL_FLOOR.
#   micro_bench_script(bench_calls calls_bench.py PROGRAMS call_floor)
function(micro_bench_script name file)
  cmake_parse_arguments(ARG "" "" "PROGRAMS" ${ARGN})
  set(settings "MICRO_BINARY='$<TARGET_FILE:micro>'")
  foreach(program IN LISTS ARG_PROGRAMS)
    string(TOUPPER ${program} variable)
    string(APPEND settings " MICRO_${variable}='$<TARGET_FILE:${program}>'")
  endforeach()
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.sh
       CONTENT "#!/bin/sh\n${settings} exec python3 -B '${CMAKE_CURRENT_SOURCE_DIR}/${file}'\n"
       FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  # Copied by the build and not generated in place: the runner clears the folder of old benchmarks first.
  add_custom_target(${name} COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_CURRENT_BINARY_DIR}/${name}.sh
                    ${CMAKE_BINARY_DIR}/tests/${name} VERBATIM)
  add_dependencies(${name} micro ${ARG_PROGRAMS})
  add_dependencies(tests_bench ${name})
  add_test(NAME ${name} COMMAND ${CMAKE_BINARY_DIR}/tests/${name})
  set_tests_properties(${name} PROPERTIES LABELS bench TIMEOUT 1800 RUN_SERIAL ON)
endfunction()
