//! encke for embedders: the log, the hub and the transports that you choose.
