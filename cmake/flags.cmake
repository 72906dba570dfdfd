# Warnings, hardening and instrumentation. Each flag is probed, so that a compiler that lacks one
# still builds.
include(CheckCCompilerFlag)
include(CheckPIESupported)

function(domesday_add_flag flag)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" probe)
    check_c_compiler_flag(${flag} ${probe})
    if(${probe})
        add_compile_options(${flag})
    endif()
endfunction()

foreach(flag
        -Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wvla
        -Wconversion -Wnull-dereference -Wlogical-op -Wduplicated-cond -Wduplicated-branches
        -Wuse-after-free -Wwrite-strings)
    domesday_add_flag(${flag})
endforeach()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # clang minds libxml2's own BAD_CAST too
    domesday_add_flag(-Wcast-qual)
endif()
# what every field that is not named is set to is what the standard says: zero
domesday_add_flag(-Wno-missing-field-initializers)
if(DOMESDAY_WERROR)
    domesday_add_flag(-Werror)
endif()

# What the library shows is said in one place, cmake/domesday.map, and not in every header.
add_compile_options(-fno-strict-aliasing)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
        domesday_add_flag(${flag})
    endforeach()
    add_link_options(-Wl,-z,relro,-z,now)
endif()

if(DOMESDAY_SANITIZE)
    add_compile_options(-fsanitize=${DOMESDAY_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${DOMESDAY_SANITIZE})
    if(DOMESDAY_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
endif()

if(DOMESDAY_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()

if(DOMESDAY_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
