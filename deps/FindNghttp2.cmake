# Finds libnghttp2 (Debian: libnghttp2-dev) as the target Nghttp2::Nghttp2.
find_package(PkgConfig REQUIRED)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
if(NOT TARGET Nghttp2::Nghttp2)
  add_library(Nghttp2::Nghttp2 INTERFACE IMPORTED)
  target_link_libraries(Nghttp2::Nghttp2 INTERFACE PkgConfig::NGHTTP2)
endif()
