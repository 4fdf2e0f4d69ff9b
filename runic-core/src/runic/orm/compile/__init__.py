"""Statement trees and write steps into text and parameters, by dialect. Pure: no I/O."""
