module conformance

go 1.18

require flexilib v0.0.0

replace flexilib => ../../../filters/sdk/go
