# libdomesday.so: all the rooms in one, of which the functions in include/domesday.h are to be seen
# and nothing else (domesday.map). The command links the rooms themselves and needs no library.
set(objects "")
foreach(room ${DOMESDAY_ROOMS})
    list(APPEND objects $<TARGET_OBJECTS:${room}>)
endforeach()
add_library(libdomesday SHARED ${objects})
set_target_properties(libdomesday PROPERTIES
    OUTPUT_NAME domesday
    VERSION ${PROJECT_VERSION}
    SOVERSION 0
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/domesday.map)
target_link_libraries(libdomesday PRIVATE room_migrate)
target_link_options(libdomesday PRIVATE
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/domesday.map -Wl,-Bsymbolic)

if(NOT DOMESDAY_SANITIZE) # whose runtime is found in the program
    target_link_options(libdomesday PRIVATE -Wl,--no-undefined)
endif()

# Relative, so that the installed tree may be moved.
set(prefix ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH DOMESDAY_PC_UP ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${prefix})
file(RELATIVE_PATH DOMESDAY_PC_LIB ${prefix} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH DOMESDAY_PC_INCLUDE ${prefix} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(cmake/domesday.pc.in ${CMAKE_BINARY_DIR}/domesday.pc @ONLY)

install(TARGETS libdomesday)
install(FILES include/domesday.h TYPE INCLUDE)
install(FILES include/domesday/error.h include/domesday/migrate.h include/domesday/safety.h
    include/domesday/upkeep.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/domesday)
install(FILES ${CMAKE_BINARY_DIR}/domesday.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
