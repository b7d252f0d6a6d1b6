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
