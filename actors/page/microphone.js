// The browser's microphone, and its camera where wanted, as one stream of the gateway.
(() => {
  const TYPES = { false: ["audio/webm;codecs=opus", "audio/webm"], true: ["video/webm;codecs=vp8,opus", "video/webm"] };
  const CHUNK_MS = 250;
  const field = (id) => document.getElementById(id);
  const say = (text) => { field("microphone-state").textContent = text; };

  const idle = (text) => {
    field("speak").disabled = false;
    field("silence").disabled = true;
    say(text);
  };

  const lent = async () => {
    const answer = await fetch("/page/pass", { method: "POST" });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    return said.token;
  };

  const captured = async (camera) => {
    if (!navigator.mediaDevices || !window.MediaRecorder) {
      throw new Error("A browser gives its microphone only to https and to this machine's own address.");
    }
    const type = TYPES[camera].find((one) => MediaRecorder.isTypeSupported(one));
    if (!type) throw new Error("This browser records no WebM.");
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: camera && { width: 640 } });
    return { media, recorder: new MediaRecorder(media, { mimeType: type }) };
  };

  const speak = async (form) => {
    field("speak").disabled = true;
    say("Waiting for the microphone.");
    const { media, recorder } = await captured(form.camera.checked);
    const start = {
      type: "start",
      format: "webm",
      dialogue_id: form.dataset.dialogue,
      speaker: form.speaker.value.trim(),
      role: form.role.value,
      consent: form.consent.checked,
      end_dialogue: true,
      token: await lent(),
    };
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/streams`);
    let utterances = 0;
    let ended = "The connection to the gateway was lost.";
    const silence = () => {
      field("silence").disabled = true;
      if (recorder.state !== "inactive") recorder.stop();
    };
    recorder.ondataavailable = (event) => {
      if (event.data.size && socket.readyState === WebSocket.OPEN) socket.send(event.data);
    };
    recorder.onstop = () => {
      media.getTracks().forEach((track) => track.stop());
      if (socket.readyState === WebSocket.OPEN) {
        socket.send(JSON.stringify({ type: "stop" }));
        say("Stopped; the last words are being cut.");
      }
    };
    socket.onopen = () => socket.send(JSON.stringify(start));
    socket.onmessage = (event) => {
      const told = JSON.parse(event.data);
      if (told.type === "started") {
        recorder.start(CHUNK_MS);
        field("silence").disabled = false;
        say("Listening. Speak.");
      } else if (told.type === "segment") {
        utterances += 1;
        say(`Listening. Utterances sent: ${utterances}.`);
      } else if (told.type === "warning" || told.type === "error") {
        ended = told.message;
        say(told.message);
      } else if (told.type === "ended") {
        ended = `Stopped. Utterances sent: ${told.segments}.`;
      }
    };
    socket.onclose = () => {
      silence();
      idle(ended);
    };
    field("silence").onclick = silence;
  };

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "microphone") return;
    event.preventDefault();
    speak(event.target).catch((error) => idle(error.message));
  });
})();
