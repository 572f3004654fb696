# Nothing: dependencies come from vcpkg.
