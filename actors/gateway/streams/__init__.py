"""Live sound and pictures over WebSocket, and telephone calls as Twilio sends them, cut into segments as they come."""
