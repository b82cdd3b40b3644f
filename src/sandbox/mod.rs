//! A throwaway real control plane on this machine.
