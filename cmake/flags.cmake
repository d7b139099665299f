# SPDX-License-Identifier: MIT
# Warnings, hardening and sanitizers, for every target. What a compiler does not know is left out.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

function(vdm_try_flags)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" known)
    set(CMAKE_REQUIRED_FLAGS "-Werror")
    check_c_compiler_flag("${flag}" ${known})
    if(${known})
      add_compile_options("${flag}")
    endif()
  endforeach()
endfunction()

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64 VDM_VERSION="${PROJECT_VERSION}")
add_compile_options(
  -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wvla
  -Wstrict-prototypes -Wmissing-prototypes -Wcast-align -Wcast-qual -Wwrite-strings
  -Wnull-dereference -Wimplicit-fallthrough -Wundef -Wswitch-enum
  -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion
  "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
vdm_try_flags(
  -Wtrampolines -Wbidi-chars=any -Wduplicated-cond -Wlogical-op -Wstringop-overflow=4
  -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
  -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing)
if(VDM_WERROR)
  add_compile_options(-Werror)
endif()

if(VDM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(VDM_SANITIZE OR VDM_FUZZ)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(VDM_SANITIZED) # the workers leave the sanitizers what they need
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Fortify needs optimisation; the sanitizers do its work better.
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--as-needed)
set(CMAKE_EXE_LINKER_FLAGS "${CMAKE_EXE_LINKER_FLAGS} -pie")
