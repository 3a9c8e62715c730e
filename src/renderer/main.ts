// The renderer's root: opens the connection and mounts the screens.
import './state/zod-csp'
import { mount } from 'svelte'
import App from './App.svelte'
import './app.css'
import { openConnection } from './state/connection'
import { Screen } from './state/screen.svelte'

const target = document.getElementById('app')
if (target === null) throw new Error('index.html has no #app')
const screen = new Screen(openConnection)
mount(App, { target, props: { screen } })
void screen.live.run()
