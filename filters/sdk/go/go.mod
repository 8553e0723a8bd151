module flexilib

go 1.18
