//! The listening socket, with the options of its connections.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::config::Limits;

/// Connections that wait for being accepted.
const BACKLOG: i32 = 4_096;

/// Listens on `address`. The accepted connections inherit the send buffer: what a stalled peer holds in the kernel.
pub(crate) fn listen(address: SocketAddr, limits: &Limits) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_send_buffer_size(usize::try_from(limits.send_buffer.as_u64()).unwrap_or(usize::MAX))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The options that are not inherited: small writes leave at once, and a peer that is gone is noticed.
pub(crate) fn prepare(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(limits.user_timeout))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(limits.user_timeout))
}

/// Raises the number of files that the process may open to what the system allows; returns it.
pub(crate) fn raise_file_limit() -> io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}
