// Reading aloud: by a voice of the browser that needs no network, else by the box (WAV), else not at all.

import {language} from "./languages.js";

const state = {audio: null, controller: null, address: null};

const localVoice = () =>
  (globalThis.speechSynthesis?.getVoices() ?? []).find(
    // voices that are not local send the text to their maker
    (voice) => voice.localService && voice.lang.toLowerCase().replace("_", "-").split("-")[0] === language().split("-")[0],
  );

export const canSpeak = (boxCan) => boxCan || localVoice() !== undefined;

export function silence() {
  globalThis.speechSynthesis?.cancel();
  state.controller?.abort();
  state.audio?.pause();
  if (state.address) URL.revokeObjectURL(state.address);
  Object.assign(state, {audio: null, controller: null, address: null});
}

// Resolves when all is said, or when it was silenced; rejects when there is no voice.
export async function speak(text) {
  silence();
  const voice = localVoice();
  if (voice) return byBrowser(text, voice);
  const controller = new AbortController();
  state.controller = controller;
  try {
    const response = await fetch("/v1/kiosk/speech", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({text: [...text].slice(0, 2000).join(""), language: language()}),
      signal: controller.signal,
    });
    if (!response.ok) throw new Error(`speech: ${response.status}`);
    const sound = await response.blob();
    if (state.controller !== controller) return;
    await play(sound);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function byBrowser(text, voice) {
  return new Promise((resolve, reject) => {
    const words = new SpeechSynthesisUtterance(text);
    Object.assign(words, {voice, lang: voice.lang, rate: 0.95});
    words.onend = () => resolve();
    words.onerror = (event) => (["canceled", "interrupted"].includes(event.error) ? resolve() : reject(new Error(event.error)));
    speechSynthesis.speak(words);
  });
}

function play(sound) {
  state.address = URL.createObjectURL(sound);
  const audio = new Audio(state.address);
  state.audio = audio;
  return new Promise((resolve, reject) => {
    audio.onended = () => resolve();
    audio.onpause = () => resolve();
    audio.onerror = () => (state.audio === audio ? reject(new Error("the sound cannot be played")) : resolve());
    audio.play().catch((error) => (state.audio === audio ? reject(error) : resolve()));
  });
}
