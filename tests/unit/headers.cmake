# Compiles each of our headers alone: a header says all that it needs.
file(GLOB_RECURSE HEADERS RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/base/*.h ${SOURCE_DIR}/kernels/*.h
     ${SOURCE_DIR}/engine/*.h ${SOURCE_DIR}/viewer/*.h)
foreach(header ${HEADERS})
  file(STRINGS ${SOURCE_DIR}/${header} for_gpu REGEX "__device__|^#include <cuda_")
  if(for_gpu)
    continue() # CUDA's own language
  endif()
  file(WRITE ${WORK_DIR}/header_alone.c "#include \"${header}\"\nint header_alone;\n")
  execute_process(
    COMMAND ${COMPILER} -std=c17 -D_GNU_SOURCE ${FLAGS} -I${SOURCE_DIR} -I${GENERATED_DIR} -Wall -Wextra -Werror
            -Wno-unused-parameter -Wno-unused-function -fsyntax-only ${WORK_DIR}/header_alone.c
    RESULT_VARIABLE failed)
  if(failed)
    message(SEND_ERROR "${header} does not compile alone")
  endif()
endforeach()
